"""Measures models on labelled pictures: ``measure_recognition``, ``precision_recall``, ``draw_roc``, ``calibrate_contract``."""
