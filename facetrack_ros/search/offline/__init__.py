"""Search, persons and status of stored histories, without ROS: ``search_stored``, ``stored_persons``, ``stored_status``."""
