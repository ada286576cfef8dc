"""What all nodes share: lifecycle, parameters, QoS, timers, logging; LifecycleNode, RobotMemberNode, run_node."""
