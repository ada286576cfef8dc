"""What all nodes share: ``LifecycleNode``, ``RobotMemberNode``, ``run_node``; parameters, QoS, timers, logging."""
