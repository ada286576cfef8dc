"""What nodes share: ``LifecycleNode``, ``RobotMemberNode``, ``run_node``, ``Inbox``; parameters, QoS, timers, logs."""
