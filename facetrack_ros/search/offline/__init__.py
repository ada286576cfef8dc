"""Search, persons and status without ROS: ``search_stored``, ``stored_people``, ``stored_status``."""
