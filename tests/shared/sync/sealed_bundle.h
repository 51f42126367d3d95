// sealed_bundle.h - a bundle taken out of its file, changed, and put into one again, signed and sealed as its sender
// could do it: what a program that is not ours may give to the importer.
#pragma once

#include "sync/bundle.h"
#include "tests/support/must.h"
#include "tests/support/world.h"

#include <string>
#include <vector>

namespace taizhang::support {

/// "TZB\1", suite: what the seal is bound to.
inline std::string bundle_frame(std::uint8_t suite) {
    std::string out = "TZB\x01";
    Writer(out).u8(suite);
    return out;
}

/// The frame, nobody's name, the contents, and the mark that tells damage from "not for me".
inline std::string bundle_file(std::uint8_t suite, std::string_view contents) {
    auto out = bundle_frame(suite);
    Writer w(out);
    w.str({});
    w.str(contents);
    const auto mark = hash_of(out);
    w.str(view(mark.bytes));
    return out;
}

/// What is sealed in a file, by the key of a device that can open it.
inline std::string bundle_letter(std::string_view file, Device& reader) {
    Reader r(file.substr(5));
    r.str();
    return must(reader.keys.device->open(bundle_frame(trust::kSodium), r.str()));
}

inline wire::Bundle open_bundle(std::string_view file, Device& reader) {
    const auto letter = bundle_letter(file, reader);
    Reader r(letter);
    r.array<16>();
    r.str();
    wire::Bundle out;
    must(wire::decode(r.str(), out));
    return out;
}

/// A letter sealed to a device: who says he signed it, his signature, what is in it.
inline std::string seal_letter(std::string_view letter, Device& to) {
    const std::vector<trust::PublicKey> receivers{to.keys.device->public_key()};
    return bundle_file(trust::kSodium, must(trust::seal_to(receivers, bundle_frame(trust::kSodium), letter)));
}

inline std::string letter_of(const wire::Bundle& b, Device& signer) {
    std::string letter;
    Writer w(letter);
    const auto contents = wire::encode(b);
    w.raw(view(signer->id().bytes));
    w.str(signer.keys.device->sign(kForBundle, contents));
    w.str(contents);
    return letter;
}

inline std::string seal_bundle(const wire::Bundle& b, Device& signer, Device& to) {
    return seal_letter(letter_of(b, signer), to);
}

}  // namespace taizhang::support
