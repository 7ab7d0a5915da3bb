//! Bodies, forces, anchors and reactions; stepping under a budget.
