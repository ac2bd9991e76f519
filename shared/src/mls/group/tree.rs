//! The ratchet tree outside the GroupInfo: node by node, so that whoever sends it need not send what did not change.

use mls_rs::{
    group::{ExportedTree, Node},
    mls_rs_codec::{MlsEncode, VarInt},
};

use super::{Config, Group, GroupError};
use crate::invite::pieces::Tree;

impl Tree {
    pub(super) fn of(mls: &mls_rs::Group<Config>) -> Result<Self, GroupError> {
        Self::from_nodes(mls.export_tree().nodes())
    }

    pub(super) fn from_nodes(nodes: &[Option<Node>]) -> Result<Self, GroupError> {
        let encode = |node: &Option<Node>| match node {
            Some(node) => node.mls_encode_to_vec().map_err(|_| GroupError::Unexpected),
            None => Ok(Vec::new()),
        };
        nodes.iter().map(encode).collect::<Result<_, _>>().map(Self)
    }

    /// As MLS has it: a vector of optional nodes.
    pub(super) fn to_exported(&self) -> Result<ExportedTree<'static>, GroupError> {
        let nodes: usize = self.0.iter().map(|node| node.len().saturating_add(1)).sum();
        let length = VarInt::try_from(nodes).map_err(|_| GroupError::Unexpected)?;
        let mut bytes = length.mls_encode_to_vec().map_err(|_| GroupError::Unexpected)?;
        bytes.reserve(nodes);
        for node in &self.0 {
            bytes.push(u8::from(!node.is_empty()));
            bytes.extend_from_slice(node);
        }
        Ok(ExportedTree::from_bytes(&bytes)?)
    }
}

impl Group {
    /// The present ratchet tree.
    ///
    /// # Errors
    /// [`GroupError::Unexpected`] when a node cannot be encoded.
    pub fn tree(&self) -> Result<Tree, GroupError> {
        Tree::of(&self.mls)
    }
}
