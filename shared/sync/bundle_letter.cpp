// A bundle's file: the mark that tells damage from "not for me", the seal, the signature.
#include "sync/bundle_letter.h"

namespace taizhang::sync {
namespace {

constexpr std::string_view kMagic = "TZB\x01";
// Suite 0: contents in the clear, of a city without keys. The mark is a hash: it tells damage from "not for me".
constexpr std::uint8_t kPlain = 0;

/// "TZB\1", suite: what the seal is bound to.
std::string frame_of(std::uint8_t suite) {
    std::string out(kMagic);
    Writer(out).u8(suite);
    return out;
}

}  // namespace

Error damaged_bundle() {
    return fail(Errc::bad_input,
                "文件不完整或已损坏,请重新导出,没有导入任何内容 / the bundle is cut or damaged: export it again; "
                "nothing was imported");
}

Result<std::string> seal(Replica& r, const std::vector<trust::PublicKey>& receivers, const wire::Bundle& b) {
    auto contents = wire::encode(b);
    auto suite = kPlain;
    if (r.control().is_signed()) {
        const auto& key = *r.keys().device;
        std::string letter;
        Writer w(letter);
        w.raw(view(r.id().bytes));
        w.str(key.sign(kForBundle, contents));
        w.str(contents);
        suite = receivers.front().suite;
        TRY(contents, trust::seal_to(receivers, frame_of(suite), letter));
    }
    auto out = frame_of(suite);
    Writer w(out);
    w.str({});  // names nobody: who it is for can be tried only
    w.str(contents);
    const auto hash = hash_of(out);
    w.str(view(hash.bytes));
    return out;
}

Result<Letter> unseal(Replica& r, std::string_view file) {
    if (!file.starts_with(kMagic))
        return fail(Errc::bad_input, "这不是台账的交换文件 / this is not a bundle of this program");
    Reader in(file.substr(kMagic.size()));
    const auto suite = in.u8();
    if (in.ok() && suite != kPlain && !trust::suite(suite))
        return fail(Errc::bad_input, "文件的加密方式较新,请升级程序 / sealed in a newer way: upgrade this program");
    in.str();
    const auto contents = in.str();
    const auto covered = file.size() - in.remaining();
    const auto mark = in.str();
    if (!in.done() || mark != view(hash_of(file.substr(0, covered)).bytes)) return damaged_bundle();
    Letter letter;
    letter.contents = std::string(contents);
    if (suite != kPlain) {
        const auto& key = r.keys().device;
        auto opened = key ? key->open(frame_of(suite), contents) : Result<std::string>(fail(Errc::denied, {}));
        if (!opened && opened.error().code == Errc::denied)
            return fail(
                Errc::not_allowed,
                "这个文件不是给本机的:可能属于别的单位或别的城市,也可能导出时对方还不认识本机(请对方同步后重新导出);"
                "没有"
                "导入 / this bundle is not sealed to this node: it is for another unit or of another city, or its "
                "sender did not know this node yet (let the sender sync and export again); nothing was imported");
        if (!opened) return damaged_bundle();
        Reader inner(*opened);
        letter.signer.bytes = inner.array<16>();
        letter.signature = std::string(inner.str());
        letter.contents = std::string(inner.str());
        if (!inner.done()) return damaged_bundle();
    } else if (r.control().is_signed()) {
        return fail(Errc::not_allowed,
                    "这个文件没有密封和签名,没有导入 / this bundle is neither sealed nor signed: nothing was imported");
    }
    auto& b = letter.bundle;
    if (!wire::decode(letter.contents, b)) return damaged_bundle();
    if (b.part > b.parts) return damaged_bundle();  // neither can be 0: a field that is left out is 1
    return letter;
}

std::string peers_of(const std::string& unit) { return "peer/" + unit + "/"; }

}  // namespace taizhang::sync
