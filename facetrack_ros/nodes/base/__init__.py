"""What every node of a robot has: lifecycle, parameters, QoS, process, timers."""
