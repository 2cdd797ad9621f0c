#!/usr/bin/env bash
# Gets a real Apache Kafka broker from Maven Central: the judge of the conformance battery and of the end-to-end tests.
#
# usage: scripts/fetch-kafka.sh DIR        the jars land in DIR/libs
# environment: KAFKA_VERSION (default below; 4.x runs on Java 17)
set -euo pipefail

version="${KAFKA_VERSION:-4.1.0}"
if [ $# -ne 1 ]; then
    echo "usage: $0 DIR" >&2
    exit 2
fi
for tool in java mvn; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "fetch-kafka: $tool was not found; install Java 17 and Maven (on Debian: apt-get install openjdk-17-jre-headless maven)" >&2
        exit 1
    fi
done

mkdir -p "$1"
dir="$(cd "$1" && pwd)"
if [ -f "$dir/VERSION" ] && [ "$(cat "$dir/VERSION")" = "$version" ]; then
    echo "Kafka $version is already in $dir"
    exit 0
fi

cat > "$dir/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>bettiflow</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>$version</version>
    </dependency>
  </dependencies>
</project>
POM

rm -rf "$dir/libs" "$dir/VERSION"
mvn --batch-mode --quiet -Dstyle.color=never --file "$dir/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$dir/libs"
# Written last: a directory without it is an unfinished download.
echo "$version" > "$dir/VERSION"
echo "Kafka $version is in $dir"
