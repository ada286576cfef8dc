"""The MCAP container: records, writer, reader, catalog."""
