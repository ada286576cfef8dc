"""Calibrations of the catalog's identity models. Written by ``benchmarks/calibrate_catalog.py --write``."""

from typing import Any

#: Fields of a contract that a calibration sets.
FIELDS = (
    "false_match_curve",
    "false_match_interval",
    "found_curve",
    "calibration_people",
    "calibration_pairs",
    "measured_on",
)

#: By model id.
CALIBRATIONS: dict[str, dict[str, Any]] = {
    "mobilefacenet_foamliu": {
        "false_match_curve": (
            (0.063, 0.386),
            (0.141, 0.154),
            (0.203, 0.0571),
            (0.251, 0.0212),
            (0.296, 0.00713),
            (0.334, 0.00243),
            (0.371, 0.000756),
            (0.402, 0.000269),
            (0.434, 8.96e-05),
            (0.461, 3.21e-05),
            (0.492, 9.79e-06),
            (0.523, 3.11e-06),
        ),
        "false_match_interval": (
            (0.25, 1.0),
            (0.097, 0.3),
            (0.029, 0.14),
            (0.0096, 0.065),
            (0.0029, 0.028),
            (0.00094, 0.012),
            (0.00028, 0.0046),
            (9e-05, 0.0022),
            (2.4e-05, 0.0011),
            (4.6e-06, 0.00056),
            (6.8e-07, 0.00028),
            (1e-07, 0.00014),
        ),
        "found_curve": (
            (0.063, 0.9984),
            (0.141, 0.9974),
            (0.203, 0.9956),
            (0.251, 0.9935),
            (0.296, 0.9903),
            (0.31, 0.989),
            (0.334, 0.9856),
            (0.367, 0.9778),
            (0.371, 0.9771),
            (0.402, 0.9666),
            (0.434, 0.9526),
            (0.438, 0.9497),
            (0.461, 0.9356),
            (0.492, 0.908),
            (0.497, 0.9013),
            (0.523, 0.8672),
            (0.561, 0.8034),
            (0.67, 0.5186),
            (0.757, 0.2218),
        ),
        "calibration_people": 5756,
        "calibration_pairs": 43599730,
        "measured_on": "faces by yunet_n_640_640: LFW, 5716 people, 43522120 pairs of two; ORL, "
        "40 people, 77610 pairs. Rates are the geometric mean of both sets', "
        "ranges cover both; shares found are LFW's",
    },
    "dlib_resnet_v1": {
        "false_match_curve": (
            (0.855, 0.392),
            (0.878, 0.142),
            (0.895, 0.0461),
            (0.907, 0.0163),
            (0.916, 0.00592),
            (0.925, 0.00181),
            (0.932, 0.000615),
            (0.937, 0.000253),
            (0.942, 9.39e-05),
        ),
        "false_match_interval": (
            (0.22, 1.0),
            (0.091, 0.27),
            (0.026, 0.11),
            (0.0079, 0.048),
            (0.0025, 0.022),
            (0.00067, 0.0089),
            (0.00018, 0.0044),
            (5.5e-05, 0.0027),
            (9.2e-06, 0.0016),
        ),
        "found_curve": (
            (0.855, 1.0),
            (0.878, 1.0),
            (0.895, 1.0),
            (0.907, 1.0),
            (0.916, 0.9954),
            (0.92, 0.9862),
            (0.925, 0.977),
            (0.93, 0.9355),
            (0.932, 0.9217),
            (0.934, 0.8894),
            (0.937, 0.8525),
            (0.941, 0.8065),
            (0.942, 0.7742),
            (0.957, 0.5115),
            (0.968, 0.1935),
        ),
        "calibration_people": 800,
        "calibration_pairs": 549177,
        "measured_on": "faces by dlib-hog: LFW, 760 people, 476559 pairs of two; ORL, 40 people, 72618 "
        "pairs. Rates are the geometric mean of both sets', ranges cover both; shares "
        "found are LFW's",
    },
}
