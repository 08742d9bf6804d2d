"""
A shop that rents films, in the style of the Sakila sample: what `syncsvc init` has never seen, with a few rows.

Two references to one table, a circle (store and staff), junctions, a table of three parents, chains of lookups,
cascades and SET NULL, wide texts, microseconds, a shape, a table without a key.
"""

from __future__ import annotations

DATABASE = "rental_shop"

SCHEMA = f"""
DROP DATABASE IF EXISTS {DATABASE};
CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4;
USE {DATABASE};
CREATE TABLE language (language_id TINYINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name CHAR(20) NOT NULL);
CREATE TABLE actor (actor_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, first_name VARCHAR(45) NOT NULL,
  last_name VARCHAR(45) NOT NULL, last_update TIMESTAMP NOT NULL);
CREATE TABLE category (category_id TINYINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(25) NOT NULL,
  parent_id TINYINT UNSIGNED NULL, FOREIGN KEY (parent_id) REFERENCES category (category_id));
CREATE TABLE film (film_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, title VARCHAR(128) NOT NULL,
  description TEXT NULL, release_year YEAR NULL, language_id TINYINT UNSIGNED NOT NULL,
  original_language_id TINYINT UNSIGNED NULL, rental_rate DECIMAL(4,2) NOT NULL DEFAULT 4.99, length SMALLINT UNSIGNED,
  rating ENUM('G', 'PG', 'PG-13', 'R', 'NC-17') NULL DEFAULT 'G',
  features SET('Trailers', 'Commentaries', 'Deleted Scenes') NULL, extras JSON NULL,
  last_update TIMESTAMP(6) NOT NULL,
  FOREIGN KEY (language_id) REFERENCES language (language_id) ON UPDATE CASCADE,
  FOREIGN KEY (original_language_id) REFERENCES language (language_id) ON DELETE SET NULL);
CREATE TABLE film_actor (actor_id SMALLINT UNSIGNED NOT NULL, film_id SMALLINT UNSIGNED NOT NULL,
  last_update TIMESTAMP NOT NULL, PRIMARY KEY (actor_id, film_id), KEY (film_id),
  FOREIGN KEY (actor_id) REFERENCES actor (actor_id), FOREIGN KEY (film_id) REFERENCES film (film_id));
CREATE TABLE film_category (film_id SMALLINT UNSIGNED NOT NULL, category_id TINYINT UNSIGNED NOT NULL,
  PRIMARY KEY (film_id, category_id), FOREIGN KEY (film_id) REFERENCES film (film_id) ON DELETE CASCADE,
  FOREIGN KEY (category_id) REFERENCES category (category_id));
CREATE TABLE country (country_id SMALLINT UNSIGNED NOT NULL PRIMARY KEY, country VARCHAR(50) NOT NULL);
CREATE TABLE city (city_id SMALLINT UNSIGNED NOT NULL PRIMARY KEY, city VARCHAR(50) NOT NULL,
  country_id SMALLINT UNSIGNED NOT NULL, FOREIGN KEY (country_id) REFERENCES country (country_id));
CREATE TABLE address (address_id SMALLINT UNSIGNED NOT NULL PRIMARY KEY, address VARCHAR(50) NOT NULL,
  district VARCHAR(20) NOT NULL, city_id SMALLINT UNSIGNED NOT NULL, postal_code VARCHAR(10) NULL,
  location ODD_TYPE NULL, FOREIGN KEY (city_id) REFERENCES city (city_id));
CREATE TABLE store (store_id TINYINT UNSIGNED NOT NULL PRIMARY KEY, manager_staff_id TINYINT UNSIGNED NOT NULL,
  address_id SMALLINT UNSIGNED NOT NULL, FOREIGN KEY (address_id) REFERENCES address (address_id));
CREATE TABLE staff (staff_id TINYINT UNSIGNED NOT NULL PRIMARY KEY, first_name VARCHAR(45) NOT NULL,
  address_id SMALLINT UNSIGNED NOT NULL, picture BLOB NULL, store_id TINYINT UNSIGNED NOT NULL,
  active BOOLEAN NOT NULL DEFAULT TRUE, FOREIGN KEY (address_id) REFERENCES address (address_id),
  FOREIGN KEY (store_id) REFERENCES store (store_id));
CREATE TABLE customer (customer_id SMALLINT UNSIGNED NOT NULL PRIMARY KEY, store_id TINYINT UNSIGNED NOT NULL,
  first_name VARCHAR(45) NOT NULL, email VARCHAR(50) NULL, address_id SMALLINT UNSIGNED NOT NULL,
  create_date DATETIME NOT NULL, FOREIGN KEY (address_id) REFERENCES address (address_id),
  FOREIGN KEY (store_id) REFERENCES store (store_id));
CREATE TABLE inventory (inventory_id MEDIUMINT UNSIGNED NOT NULL PRIMARY KEY, film_id SMALLINT UNSIGNED NOT NULL,
  store_id TINYINT UNSIGNED NOT NULL, last_update TIMESTAMP NOT NULL,
  FOREIGN KEY (film_id) REFERENCES film (film_id), FOREIGN KEY (store_id) REFERENCES store (store_id));
CREATE TABLE rental (rental_id INT NOT NULL PRIMARY KEY, rental_date DATETIME NOT NULL,
  inventory_id MEDIUMINT UNSIGNED NOT NULL, customer_id SMALLINT UNSIGNED NOT NULL, return_date DATETIME NULL,
  staff_id TINYINT UNSIGNED NOT NULL, UNIQUE KEY (rental_date, inventory_id, customer_id),
  FOREIGN KEY (inventory_id) REFERENCES inventory (inventory_id),
  FOREIGN KEY (customer_id) REFERENCES customer (customer_id) ON DELETE CASCADE,
  FOREIGN KEY (staff_id) REFERENCES staff (staff_id));
CREATE TABLE payment (payment_id SMALLINT UNSIGNED NOT NULL PRIMARY KEY, customer_id SMALLINT UNSIGNED NOT NULL,
  staff_id TINYINT UNSIGNED NOT NULL, rental_id INT NULL, amount DECIMAL(5,2) NOT NULL, payment_date DATETIME NOT NULL,
  FOREIGN KEY (customer_id) REFERENCES customer (customer_id), FOREIGN KEY (staff_id) REFERENCES staff (staff_id),
  FOREIGN KEY (rental_id) REFERENCES rental (rental_id) ON DELETE SET NULL);
ALTER TABLE store ADD FOREIGN KEY (manager_staff_id) REFERENCES staff (staff_id);
CREATE TABLE visit_log (customer_id SMALLINT UNSIGNED NOT NULL, at DATETIME NOT NULL,
  FOREIGN KEY (customer_id) REFERENCES customer (customer_id))
"""

ROWS = f"""
USE {DATABASE};
SET foreign_key_checks = 0;
INSERT INTO language VALUES (1, 'English'), (2, 'Français'), (3, 'Deutsch');
INSERT INTO actor VALUES (1, 'Ada', 'Byron', '2024-01-01 00:00:00'), (2, 'Grace', 'Hopper', '2024-01-01 00:00:00'),
  (3, 'Mary', 'Shelley', '2024-01-01 00:00:00');
INSERT INTO category VALUES (1, 'Fiction', NULL), (2, 'Science Fiction', 1), (3, 'Horror', 1), (4, 'Gothic', 3);
INSERT INTO film VALUES
  (1, 'Frankenstein', 'A creature', 1931, 1, 3, 2.50, 70, 'PG', 'Trailers,Deleted Scenes', '{{"a": [1, 2.5]}}',
   '2024-01-01 10:00:00.123456'),
  (2, 'Metropolis', NULL, NULL, 3, NULL, 4.99, NULL, NULL, '', NULL, '2024-01-01 10:00:00.000001'),
  (3, 'Nothing yet', NULL, 2024, 2, 1, 0.99, 1, 'NC-17', NULL, '[]', '2024-01-02 10:00:00');
INSERT INTO film_actor VALUES (1, 1, '2024-01-01 00:00:00'), (2, 1, '2024-01-01 00:00:00'),
  (2, 2, '2024-01-01 00:00:00'), (3, 1, '2024-01-01 00:00:00');
INSERT INTO film_category VALUES (1, 3), (1, 4), (2, 2);
INSERT INTO country VALUES (1, 'Switzerland'), (2, 'Côte d''Ivoire');
INSERT INTO city VALUES (1, 'Geneva', 1), (2, 'Abidjan', 2);
INSERT INTO address VALUES (1, '1 Lake Road', 'Cologny', 1, NULL, NULL), (2, '2 Rue', 'Plateau', 2, '01 BP', NULL);
INSERT INTO store VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO staff VALUES (1, 'Mike', 1, x'89504e47', 1, TRUE), (2, 'Jon', 2, NULL, 2, FALSE);
INSERT INTO customer VALUES (1, 1, 'Percy', 'percy@example.org', 1, '2024-02-29 12:00:00'),
  (2, 2, 'George', NULL, 2, '2024-03-01 00:00:00');
INSERT INTO inventory VALUES (1, 1, 1, '2024-01-01 00:00:00'), (2, 1, 2, '2024-01-01 00:00:00'),
  (3, 2, 1, '2024-01-01 00:00:00');
INSERT INTO rental VALUES (1, '2024-03-01 10:00:00', 1, 1, NULL, 1), (2, '2024-03-02 10:00:00', 3, 1,
  '2024-03-03 10:00:00', 2), (3, '2024-03-04 10:00:00', 2, 2, NULL, 2);
INSERT INTO payment VALUES (1, 1, 1, 1, 2.50, '2024-03-01 10:00:00'), (2, 1, 2, NULL, 10.00, '2024-03-05 10:00:00'),
  (3, 2, 2, 3, 0.00, '2024-03-05 10:00:00');
SET foreign_key_checks = 1
"""


def statements(kind: str) -> list[str]:
    """Schema and rows for a server: `mariadb` or `mysql`."""
    # On MariaDB a type that no pipeline carries, on MySQL one that needs a form.
    text = f"{SCHEMA};{ROWS}".replace("ODD_TYPE", "INET6" if kind == "mariadb" else "POINT")
    return [statement for statement in text.split(";\n") if statement.strip()]
