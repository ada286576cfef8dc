"""The MCAP container of stored messages: ``SegmentWriter``, ``read_table``, ``MessageTable``, ``SegmentCatalog``."""
