#!/bin/sh
# What syncsvc and its connector may do in Kafka, and nothing more.
#
#   kafka-acls.sh worker  PRINCIPAL PIPELINE TOPIC_PREFIX     reads source topics, reads and writes the keyed topic
#   kafka-acls.sh apply   PRINCIPAL PIPELINE TOPIC_PREFIX     the same, and makes those topics (`syncsvc apply`)
#   kafka-acls.sh drop    PRINCIPAL PIPELINE                  beside apply: deletes keyed topics (`rebuild --drop-old`)
#   kafka-acls.sh connect PRINCIPAL TOPIC_PREFIX GROUP        Kafka Connect with the Debezium connector; GROUP: of Connect
#   kafka-acls.sh exporter PRINCIPAL PIPELINE TOPIC_PREFIX    `syncsvc lag-exporter FILE`: reads no record
#   kafka-acls.sh exporter PRINCIPAL                          the same for every group (`--group`, or without a file)
#
# PRINCIPAL as Kafka names it: User:syncsvc, or User:CN=… for a certificate.  A pipeline whose tables come from several
# servers has several topic prefixes: run it once for each.
#
# BOOTSTRAP       host:port of a broker                         (localhost:9092)
# COMMAND_CONFIG  properties file of an administrator's client  (none)
# KAFKA_ACLS      Kafka's own tool                              (kafka-acls.sh)
set -eu
what=$1 principal=$2

allow() {
    "${KAFKA_ACLS:-kafka-acls.sh}" --bootstrap-server "${BOOTSTRAP:-localhost:9092}" \
        ${COMMAND_CONFIG:+--command-config "$COMMAND_CONFIG"} \
        --add --allow-principal "$principal" "$@" >/dev/null
}

case $what in
worker | apply)
    own="syncsvc.$3." prefix=$4
    create=
    if [ "$what" = apply ]; then create="--operation Create"; fi
    # Describe comes with Read and Write.  DescribeConfigs: retention and cleanup of the topics are checked.
    # shellcheck disable=SC2086
    allow --operation Read --operation DescribeConfigs $create --resource-pattern-type prefixed --topic "$prefix."
    # The topic of schema changes is named like the prefix.
    # shellcheck disable=SC2086
    allow --operation Read --operation DescribeConfigs $create --topic "$prefix"
    # shellcheck disable=SC2086
    allow --operation Read --operation Write --operation DescribeConfigs $create \
        --resource-pattern-type prefixed --topic "$own"
    allow --operation Read --resource-pattern-type prefixed --group "$own"
    # What tells an idle source from a broken one; Connect makes it.
    allow --operation Read --operation DescribeConfigs --topic "__debezium-heartbeat.$prefix"
    ;;
drop)
    allow --operation Delete --resource-pattern-type prefixed --topic "syncsvc.$3."
    ;;
exporter)
    if [ $# -gt 2 ]; then
        own="syncsvc.$3." prefix=$4
        for topic in "$prefix." "$own"; do
            allow --operation Describe --resource-pattern-type prefixed --topic "$topic"
        done
        allow --operation Describe --topic "$prefix"
        allow --operation Describe --resource-pattern-type prefixed --group "$own"
    else
        allow --operation Describe --topic '*'
        allow --operation Describe --group '*'
    fi
    ;;
connect)
    prefix=$3 group=$4
    # Topics of rows, of schema changes, of transactions and heartbeats; topics are made by the worker of Connect.
    for topic in "$prefix" "__debezium-heartbeat.$prefix" "syncsvc.schema-history.$prefix" "$group"; do
        allow --operation Read --operation Write --operation Create --operation DescribeConfigs \
            --resource-pattern-type prefixed --topic "$topic"
    done
    # The worker's own group, the schema history's readers, and the transactions of exactly-once.
    allow --operation Read --resource-pattern-type prefixed --group "$group"
    allow --operation Read --resource-pattern-type prefixed --group "$prefix"
    allow --operation Write --operation Describe --resource-pattern-type prefixed --transactional-id "$group"
    allow --operation Write --operation Describe --resource-pattern-type prefixed --transactional-id "connect-cluster-$group"
    ;;
*)
    echo "worker, apply, drop, connect or exporter, not $what" >&2
    exit 2
    ;;
esac
