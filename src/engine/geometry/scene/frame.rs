//! Coordinate systems: from the coordinates inside an element to the world.

use kurbo::Affine;

use super::{Scene, root_context};
use crate::document::{Document, Limits, NodeId};
use crate::geometry::resolve::{Context, Resolver};
use crate::geometry::{Role, role};
use svgx_base::budget::{Budget, Class, Tier};

/// Instances inside of instances that are followed.
const INSTANCES: usize = 64;

impl Scene {
    /// Whether the style of an element states the outline of its path, so that the attribute is void.
    pub fn is_outline_styled(&self, node: NodeId) -> bool {
        self.styled.get(&node).is_some_and(|s| s.own.geometry().any(|(name, _)| name == "d"))
    }

    /// From the coordinates that the children of `node` are written in to the world: its own
    /// transform and viewport and those around it. Of what is drawn by `use` only, from inside
    /// its first instance. `None` where nothing in `node` is drawn, and for plain shapes.
    pub fn frame(&self, document: &Document, node: NodeId, limits: &Limits) -> Option<Affine> {
        let budget = Budget::unlimited(Class::Ui, Tier::Compute);
        let mut resolver =
            Resolver::new(document, limits, &budget, &self.sheet, self.scale, &self.ranks);
        let context = self.context(document, node, &mut resolver, INSTANCES)?;
        context.transform.is_finite().then_some(context.transform)
    }

    /// From the coordinates that `node` stands in to the world, as [`frame`](Self::frame) of
    /// what is around it.
    pub fn frame_around(
        &self,
        document: &Document,
        node: NodeId,
        limits: &Limits,
    ) -> Option<Affine> {
        let parent = document.parent(node)?;
        if let Some(frame) = self.frame(document, parent, limits) {
            return Some(frame);
        }
        let user = *self.users.get(&node)?.iter().find(|&&user| user != node)?;
        let budget = Budget::unlimited(Class::Ui, Tier::Compute);
        let mut resolver =
            Resolver::new(document, limits, &budget, &self.sheet, self.scale, &self.ranks);
        let outer = self.context(document, document.parent(user)?, &mut resolver, INSTANCES)?;
        let (around, _) = resolver.context_shown(user, node, outer)?;
        around.transform.is_finite().then_some(around.transform)
    }

    fn context(
        &self,
        document: &Document,
        node: NodeId,
        resolver: &mut Resolver<'_>,
        instances: usize,
    ) -> Option<Context> {
        let mut path = vec![node];
        path.extend(std::iter::successors(document.parent(node), |&n| document.parent(n)));
        // The innermost part that is not drawn where it is written.
        let hidden = path.iter().position(|&n| {
            role(document, n) == Role::Symbol
                || (role(document, n) == Role::None && document.is_element(n))
        });
        let (mut context, below) = match hidden {
            None => (root_context(self.viewbox), path.len()),
            Some(at) => {
                // What a `use` shows: the symbol itself, or something inside of `defs`.
                let shown = path.iter().take(at + 1).enumerate().find_map(|(i, n)| {
                    Some((i, *self.users.get(n)?.iter().find(|&&user| user != *n)?))
                });
                let (shown, user) = shown?;
                let around = document.parent(user)?;
                let outer = self.context(document, around, resolver, instances.checked_sub(1)?)?;
                let (_, inside) = resolver.context_shown(user, *path.get(shown)?, outer)?;
                (inside?, shown)
            }
        };
        for &n in path.get(..below)?.iter().rev() {
            context = resolver.context_inside(n, context)?;
        }
        Some(context)
    }
}
