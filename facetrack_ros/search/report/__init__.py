"""A search response as table, JSON, timeline picture, frames and clips."""
