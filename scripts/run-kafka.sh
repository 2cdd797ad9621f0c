#!/usr/bin/env bash
# Runs a one-node Apache Kafka (KRaft) from scripts/fetch-kafka.sh in the foreground, for tests.
#
# usage: scripts/run-kafka.sh DIR DATA PORT
#   DIR   where fetch-kafka.sh put the jars      DATA  the broker's data; formatted if it is new
#   PORT  the clients' port on 127.0.0.1         (PORT+1, or KAFKA_CONTROLLER_PORT, serves the controller)
# environment: KAFKA_HEAP (default 512m)
set -euo pipefail

if [ $# -ne 3 ]; then
    echo "usage: $0 DIR DATA PORT" >&2
    exit 2
fi
if ! command -v java >/dev/null 2>&1; then
    echo "run-kafka: java was not found; install Java 17 (on Debian: apt-get install openjdk-17-jre-headless)" >&2
    exit 1
fi
if [ ! -f "$1/VERSION" ]; then
    echo "run-kafka: no Kafka in $1; run scripts/fetch-kafka.sh $1 first" >&2
    exit 1
fi
dir="$(cd "$1" && pwd)"
mkdir -p "$2"
data="$(cd "$2" && pwd)"
port="$3"
controller_port="${KAFKA_CONTROLLER_PORT:-$((port + 1))}"

cat > "$data/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$data/log
num.partitions=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.coordinator.threads=1
# Expired transactions are looked for often, so that tests of expiry are short.
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
PROPERTIES

run() {
    local heap="$1"
    shift
    java "-Xms64m" "-Xmx$heap" -XX:+UseSerialGC -cp "$dir/libs/*" "$@"
}

if [ ! -f "$data/log/meta.properties" ]; then
    cluster="$(run 128m kafka.tools.StorageTool random-uuid)"
    run 256m kafka.tools.StorageTool format --cluster-id "$cluster" --config "$data/server.properties" >/dev/null
fi
exec java "-Xms128m" "-Xmx${KAFKA_HEAP:-512m}" -XX:+UseSerialGC -cp "$dir/libs/*" kafka.Kafka "$data/server.properties"
