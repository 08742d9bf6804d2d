#!/bin/bash
# The user that Debezium reads the binlog as, and that `syncsvc apply`, `verify` and `preview` read rows as.
# Runs after the tables exist; its password comes from the environment, so it stands in no file.
set -euo pipefail

MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysql --user=root <<SQL
CREATE USER 'cdc'@'%' IDENTIFIED BY '${CDC_PASSWORD//\'/\'\'}';
GRANT SELECT, RELOAD, SHOW DATABASES, LOCK TABLES, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'cdc'@'%';
SQL
