"""Values and arithmetic that every layer shares: frames, boxes, detections, faces, tracks, events, poses, JPEG probing."""
