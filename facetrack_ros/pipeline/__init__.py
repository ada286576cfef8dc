"""The frame loop: frame, analysis, tracks, history, once, without ROS."""
