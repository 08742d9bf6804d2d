#!/bin/bash
# The user of the compose file's load profile: writes rows of the example's tables and nothing else.
set -euo pipefail

MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysql --user=root <<SQL
CREATE USER 'app'@'%' IDENTIFIED BY '${APP_PASSWORD//\'/\'\'}';
GRANT SELECT, INSERT, UPDATE, DELETE ON meetup.* TO 'app'@'%';
SQL
