"""Forgetting: a person, or a stretch of time, deleted wherever a robot's folder holds them.

``preview`` finds what there is (:class:`.order.ForgetOrder`), ``forgetter`` deletes it, in an order that a killed
process can finish at the next start; ``tombstones`` lets what comes back from backups or other robots go again;
``receipts`` proves what was done.
"""
