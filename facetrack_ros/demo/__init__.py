"""The staged main job: clips made from public-domain photographs, a fleet of processes, and the comparison."""
