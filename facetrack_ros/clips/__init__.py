"""Parts of a history as recordings, images and videos: Clip, ``choose_clip``, ``save_clip``, ``draw_overlay``."""
