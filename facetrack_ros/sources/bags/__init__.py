"""Storage of rosbag2 recordings, read as far as it can be: ``StoredBag`` and its MCAP and SQLite files."""
