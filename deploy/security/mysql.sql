-- The two users of the source, for the database `meetup`.  MySQL 8.0 or later, and MariaDB 10.5 or later.
-- Put passwords in place of the two <…>; REQUIRE X509 in place of REQUIRE SSL asks for a client's certificate as well.

-- 1. Debezium's connector: `syncsvc apply` puts the user of SYNCSVC_SOURCE_DSN into it.
CREATE USER 'debezium'@'%' IDENTIFIED BY '<password of debezium>' REQUIRE SSL;
GRANT SELECT ON meetup.* TO 'debezium'@'%';
-- RELOAD: the global read lock in which a snapshot reads position and schemas, for a moment.
GRANT RELOAD, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'debezium'@'%';

-- 2. The commands that read rows: init, preview, validate --live, verify.  A worker has no user here at all.
CREATE USER 'syncsvc'@'%' IDENTIFIED BY '<password of syncsvc>' REQUIRE SSL;
GRANT SELECT ON meetup.* TO 'syncsvc'@'%';
