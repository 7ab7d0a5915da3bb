//! Printing.
/// to come
pub fn show(_: &super::Spec) -> String {
    String::new()
}
