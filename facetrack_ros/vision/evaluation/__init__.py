"""Models measured on labelled pictures: ``measure_recognition``, ``precision_recall``, ``calibrate_contract``."""
