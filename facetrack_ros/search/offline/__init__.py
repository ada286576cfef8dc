"""Search, persons and status without ROS: ``search_stored``, ``stored_persons``, ``stored_status``."""
