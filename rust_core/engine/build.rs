//! Generates the contract's messages from the committed descriptor image, so that no protobuf
//! compiler is needed to build.

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let image = "../../proto/engine.binpb";
    println!("cargo::rerun-if-changed={image}");
    let files = prost_types::FileDescriptorSet::decode(std::fs::read(image)?.as_slice())?;
    prost_build::Config::new().compile_fds(files)?;
    Ok(())
}
