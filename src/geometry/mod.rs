//! Lengths, shapes, transforms, bounding boxes and rounding at a tier.
