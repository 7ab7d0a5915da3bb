//! What operations are called.

use super::Operation;

impl Operation {
    /// The name on the wire, in logs and in labels.
    pub const fn name(&self) -> &'static str {
        match self {
            Operation::Click(_) => "click",
            Operation::DragStart(_) => "drag_start",
            Operation::DragMove(_) => "drag_move",
            Operation::DragEnd(_) => "drag_end",
            Operation::Hover(_) => "hover",
            Operation::Select(_) => "select",
            Operation::Deselect(_) => "deselect",
            Operation::Undo => "undo",
            Operation::Redo => "redo",
            Operation::SetAttribute { .. } => "set_attribute",
            Operation::Add { .. } => "add",
            Operation::Delete { .. } => "delete",
            Operation::Reparent { .. } => "reparent",
            Operation::Reorder { .. } => "reorder",
            Operation::Group { .. } => "group",
            Operation::Ungroup { .. } => "ungroup",
            Operation::Duplicate { .. } => "duplicate",
            Operation::Move { .. } => "move",
            Operation::Rotate { .. } => "rotate",
            Operation::Scale { .. } => "scale",
            Operation::Trim(_) => "trim",
            Operation::Extend(_) => "extend",
            Operation::Fillet(_) => "fillet",
            Operation::Chamfer(_) => "chamfer",
            Operation::Offset(_) => "offset",
            Operation::Mirror(_) => "mirror",
            Operation::Array(_) => "array",
            Operation::Split(_) => "split",
            Operation::Join(_) => "join",
            Operation::Combine(_) => "combine",
            Operation::SetDimension { .. } => "set_dimension",
            Operation::SetText { .. } => "set_text",
            Operation::SetStyle { .. } => "set_style",
            Operation::SetProperty { .. } => "set_property",
            Operation::SetVariable { .. } => "set_variable",
            Operation::Link { .. } => "link",
            Operation::Unlink { .. } => "unlink",
            Operation::Load { .. } => "load",
            Operation::SetPrecision { .. } => "set_precision",
            Operation::AddConstraint { .. } => "add_constraint",
            Operation::RemoveConstraint { .. } => "remove_constraint",
            Operation::Fire { .. } => "fire",
        }
    }
}
