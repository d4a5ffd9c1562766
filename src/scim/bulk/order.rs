//! RFC 7644 §3.7.1: what refers to what, and which of it in a circle.
//!
//! The strong components of the graph of references, found by Gabow's path-based search, without
//! recursion. A component is found when all that it leads to has been, so they come in an order in
//! which each may run.

use std::collections::{BTreeMap, BTreeSet};

use super::Step;

/// Each operation by its place, behind those that it refers to; those of a circle together. Where
/// references do not decide, the places do.
pub(super) fn components(edges: &[Vec<usize>]) -> Vec<Step> {
    let mut search = Search { edges, ..Search::default() };
    for root in 0..edges.len() {
        search.visit(root);
    }
    search.found
}

#[derive(Default)]
struct Search<'e> {
    edges: &'e [Vec<usize>],
    /// When each was first seen.
    seen: BTreeMap<usize, usize>,
    /// What belongs to a component that was found.
    placed: BTreeSet<usize>,
    /// What was seen and belongs to none yet.
    open: Vec<usize>,
    /// Of those, the first of each that may yet be a component of its own.
    firsts: Vec<usize>,
    found: Vec<Step>,
}

impl Search<'_> {
    fn visit(&mut self, root: usize) {
        if self.seen.contains_key(&root) {
            return;
        }
        let mut path = vec![(root, self.enter(root))];
        while let Some((node, edges)) = path.last_mut() {
            let node = *node;
            match edges.next() {
                Some(next) if !self.seen.contains_key(next) => {
                    let edges = self.enter(*next);
                    path.push((*next, edges));
                }
                Some(next) => self.meet(*next),
                None => {
                    path.pop();
                    self.leave(node);
                }
            }
        }
    }
}

impl<'e> Search<'e> {
    /// What a node leads to, which is seen now.
    fn enter(&mut self, node: usize) -> std::slice::Iter<'e, usize> {
        self.seen.insert(node, self.seen.len());
        self.open.push(node);
        self.firsts.push(node);
        self.edges.get(node).map_or(&[][..], Vec::as_slice).iter()
    }

    /// An edge to what was seen: if it is open still, all since then is one component with it.
    fn meet(&mut self, node: usize) {
        if !self.placed.contains(&node) {
            let when = self.seen.get(&node);
            while self.firsts.last().is_some_and(|first| self.seen.get(first) > when) {
                self.firsts.pop();
            }
        }
    }

    /// A node with all edges followed: if it is the first of its component, that is complete.
    fn leave(&mut self, node: usize) {
        if self.firsts.last() != Some(&node) {
            return;
        }
        self.firsts.pop();
        let start = self.open.iter().rposition(|open| *open == node).unwrap_or_default();
        let mut component = self.open.split_off(start);
        component.sort_unstable();
        self.placed.extend(&component);
        let to_itself = self.edges.get(node).is_some_and(|edges| edges.contains(&node));
        self.found.push(match component.as_slice() {
            [one] if !to_itself => Step::One(*one),
            _ => Step::Circle(component),
        });
    }
}
