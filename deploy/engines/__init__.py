"""Production engines without Docker: Apache Kafka and MirrorMaker 2, by a pinned Maven pom."""
