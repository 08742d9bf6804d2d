-- The tables of pipelines/*.yaml and a few rows: meetings, users and their applications; posts and their authors.
-- Run once by the mysql image, when its data directory is empty.
SET NAMES utf8mb4;
CREATE DATABASE meetup CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin;
USE meetup;

-- No foreign keys: a cascade that the database carries out itself is not in its binlog.

CREATE TABLE user (
  id int unsigned NOT NULL AUTO_INCREMENT,
  name varchar(100) NOT NULL,
  email varchar(200) NOT NULL,
  city varchar(100) NOT NULL,
  PRIMARY KEY (id)
);

CREATE TABLE meeting (
  id int unsigned NOT NULL AUTO_INCREMENT,
  title varchar(200) NOT NULL,
  place varchar(100) NOT NULL,
  capacity int NOT NULL,
  status varchar(20) NOT NULL,
  starts_at datetime(3) NOT NULL,
  PRIMARY KEY (id)
);

CREATE TABLE meeting_application (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  meeting_id int unsigned NOT NULL,
  user_id int unsigned NULL,
  status varchar(20) NOT NULL,
  memo varchar(500) NULL,
  applied_at datetime(3) NOT NULL,
  PRIMARY KEY (id),
  KEY by_meeting (meeting_id),
  KEY by_user (user_id)
);

CREATE TABLE author (
  id int unsigned NOT NULL AUTO_INCREMENT,
  name varchar(100) NOT NULL,
  bio varchar(500) NULL,
  PRIMARY KEY (id)
);

CREATE TABLE post (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  author_id int unsigned NULL,
  title varchar(200) NOT NULL,
  body text NOT NULL,
  created_at datetime(3) NOT NULL,
  PRIMARY KEY (id),
  KEY by_author (author_id)
);

INSERT INTO user (name, email, city) VALUES
  ('Ada', 'ada@example.org', 'Lyon'),
  ('Björn', 'bjorn@example.org', 'Malmö'),
  ('카밀', 'camille@example.org', 'Seoul');
INSERT INTO meeting (title, place, capacity, status, starts_at) VALUES
  ('River walk', 'Porto', 12, 'open', '2026-12-05 10:00:00.000'),
  ('Chess night', 'Berlin', 30, 'open', '2026-12-11 19:30:00.000');
INSERT INTO meeting_application (meeting_id, user_id, status, memo, applied_at) VALUES
  (1, 1, 'applied', 'I bring tea', '2026-11-20 08:15:00.250'),
  (1, 2, 'accepted', NULL, '2026-11-20 09:00:00.000'),
  (2, 3, 'applied', '', '2026-11-21 21:45:10.001'),
  (2, NULL, 'withdrawn', NULL, '2026-11-22 07:00:00.000');
INSERT INTO author (name, bio) VALUES
  ('Grace', 'writes about rivers'),
  ('Hugo', NULL);
INSERT INTO post (author_id, title, body, created_at) VALUES
  (1, 'Along the Douro', 'Start early, take water.', '2026-11-19 12:00:00.000'),
  (2, 'Openings', 'e4, and see.', '2026-11-20 18:30:00.500'),
  (NULL, 'House rules', '', '2026-11-21 09:00:00.000');
