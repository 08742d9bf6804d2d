"""
A company, in the style of the Employees sample: keys of several columns, junctions with columns of their own.

Beside the sample's tables a bonus refers to a salary by both columns of its key, and an employee has a boss.
"""

from __future__ import annotations

DATABASE = "company"

SCHEMA = f"""
DROP DATABASE IF EXISTS {DATABASE};
CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4;
USE {DATABASE};
CREATE TABLE employees (emp_no INT NOT NULL PRIMARY KEY, birth_date DATE NOT NULL, first_name VARCHAR(14) NOT NULL,
  gender ENUM('M','F','X') NOT NULL, boss_no INT NULL, FOREIGN KEY (boss_no) REFERENCES employees (emp_no));
CREATE TABLE departments (dept_no CHAR(4) NOT NULL PRIMARY KEY, dept_name VARCHAR(40) NOT NULL UNIQUE);
CREATE TABLE dept_emp (emp_no INT NOT NULL, dept_no CHAR(4) NOT NULL, from_date DATE NOT NULL, to_date DATE NOT NULL,
  PRIMARY KEY (emp_no, dept_no), FOREIGN KEY (emp_no) REFERENCES employees (emp_no) ON DELETE CASCADE,
  FOREIGN KEY (dept_no) REFERENCES departments (dept_no) ON DELETE CASCADE);
CREATE TABLE dept_manager (emp_no INT NOT NULL, dept_no CHAR(4) NOT NULL, from_date DATE NOT NULL,
  PRIMARY KEY (emp_no, dept_no), FOREIGN KEY (emp_no) REFERENCES employees (emp_no) ON DELETE CASCADE,
  FOREIGN KEY (dept_no) REFERENCES departments (dept_no) ON DELETE CASCADE);
CREATE TABLE titles (emp_no INT NOT NULL, title VARCHAR(50) NOT NULL, from_date DATE NOT NULL, to_date DATE NULL,
  PRIMARY KEY (emp_no, title, from_date), FOREIGN KEY (emp_no) REFERENCES employees (emp_no) ON DELETE CASCADE);
CREATE TABLE salaries (emp_no INT NOT NULL, from_date DATE NOT NULL, salary BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (emp_no, from_date), FOREIGN KEY (emp_no) REFERENCES employees (emp_no) ON DELETE CASCADE);
CREATE TABLE bonus (bonus_no INT NOT NULL PRIMARY KEY, emp_no INT NOT NULL, from_date DATE NOT NULL,
  amount DECIMAL(40,2) NOT NULL, FOREIGN KEY (emp_no, from_date) REFERENCES salaries (emp_no, from_date));
INSERT INTO employees VALUES (1, '1953-09-02', 'Georgi', 'M', NULL), (2, '1964-06-02', 'Bezalel', 'F', 1),
  (3, '1959-12-03', 'Parto', 'X', 2), (4, '1960-01-01', 'Chirstian', 'M', 2);
INSERT INTO departments VALUES ('d001', 'Marketing'), ('d002', 'Finance');
INSERT INTO dept_emp VALUES (1, 'd001', '1986-06-26', '9999-01-01'), (2, 'd001', '1985-11-21', '1990-01-01'),
  (2, 'd002', '1990-01-01', '9999-01-01');
INSERT INTO dept_manager VALUES (1, 'd001', '1990-01-01');
INSERT INTO titles VALUES (1, 'Engineer', '1986-06-26', '1995-01-01'), (1, 'Senior Engineer', '1995-01-01', NULL);
INSERT INTO salaries VALUES (1, '1986-06-26', 60117), (1, '1987-06-26', 62102), (2, '1985-11-21', 65828);
INSERT INTO bonus VALUES (1, 1, '1986-06-26', 1000.50), (2, 1, '1986-06-26', 12345678901234567890123456789012345678.25)
"""


def statements() -> list[str]:
    """Schema and rows, for either server."""
    return [statement for statement in SCHEMA.split(";\n") if statement.strip()]
