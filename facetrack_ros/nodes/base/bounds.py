"""How often one sender is heard on each topic. How much a message may hold is checked in ``nodes/conversion``.

Chosen by hand for a fleet of fifty robots with a margin of five or more, so that no honest robot is cut. A sender is
the robot that a message names: ROS tells a subscriber no more.
"""

from facetrack_ros.concurrency.sender_limits import RateLimit

#: Heartbeats: one a second, three when a robot leaves, a restart a minute.
ROSTER = RateLimit(per_s=5, burst=20)
#: Templates: two a visit; a camera in a crowd begins ten visits a second. At a start the last hundred come at once.
TEMPLATES = RateLimit(per_s=100, burst=500)
#: Merge decisions: every robot publishes all that it stores at its start, DDS keeps the last thousand.
VERDICTS = RateLimit(per_s=200, burst=2000)
#: Gallery entries: likewise; ten thousand people have more entries than DDS keeps.
ENTRIES = RateLimit(per_s=500, burst=5000)
#: Searches: each is sent again every 0.4 s to robots that have not answered, and a second time for joined visits.
SEARCHES = RateLimit(per_s=100, burst=400)
#: Answers: one a search and repeat of it.
RESULTS = RateLimit(per_s=200, burst=1000)
#: Requests to the fleet: each is sent again every 0.4 s to robots that have not answered, and for each part of
#: a receipt.
FLEET_REQUESTS = RateLimit(per_s=100, burst=400)
#: Messages within a robot, a sender a camera: frames, detections, tracks, events at 60 Hz, and late ones at once.
FRAMES = RateLimit(per_s=500, burst=2000)
#: Poses: odometry comes at up to 1 kHz.
POSES = RateLimit(per_s=5000, burst=10_000)
#: Alerts: each keeps the frames around it, so more of them within seconds keep nothing more.
ALERTS = RateLimit(per_s=2, burst=20)
