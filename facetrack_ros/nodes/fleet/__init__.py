"""What crosses the mesh: search requests and answers, people, frames."""
