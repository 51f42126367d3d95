#include "people/accounts.h"

#include <boost/json.hpp>

#include <algorithm>

namespace taizhang::people {

namespace json = boost::json;

namespace {

constexpr std::int64_t kNoteEveryMs = 86'400'000;
constexpr std::int64_t kTimeMaxMs = 253'402'300'800'000;  // the year 10000: what a damaged file says later is then

std::string folded(std::string_view login) {
    std::string out(login);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

bool is_name(std::string_view s) {
    if (s.empty() || s.size() > kNameBytesMax || s.front() == ' ' || s.back() == ' ') return false;
    return std::none_of(s.begin(), s.end(), [](char c) {
        const auto u = static_cast<unsigned char>(c);
        return u < 0x20 || u == 0x7f || c == '"' || c == '\\' || c == '<' || c == '>';
    });
}

bool is_login(std::string_view s) {
    return is_name(s) && s.find_first_of(" /@:?&=%") == std::string_view::npos && s.front() != '-';
}

json::array known_json(const std::vector<Known>& list) {
    json::array out;
    for (const auto& k : list) out.push_back({{"what", k.what}, {"seen_ms", k.seen_ms}});
    return out;
}

std::vector<Known> known_from(const json::value& v) {
    std::vector<Known> out;
    for (const auto& k : v.as_array())
        out.push_back({std::string(k.at("what").as_string()),
                       std::clamp<std::int64_t>(k.at("seen_ms").to_number<std::int64_t>(), 0, kTimeMaxMs)});
    return out;
}

void note_in(std::vector<Known>& list, const std::string& what, std::int64_t now_ms) {
    std::erase_if(list, [&](const Known& k) { return k.what == what; });
    list.push_back({what, now_ms});
    if (list.size() > kKnownMax) list.erase(list.begin());
}

bool is_stale(const std::vector<Known>& list, const std::string& what, std::int64_t now_ms) {
    const auto it = std::find_if(list.begin(), list.end(), [&](const Known& k) { return k.what == what; });
    return it == list.end() || now_ms - it->seen_ms > kNoteEveryMs || now_ms < it->seen_ms;
}

Error no_account(const std::string& login) {
    return fail(Errc::not_found, "没有这个账号:" + login + " / no such account: " + login);
}

}  // namespace

Result<Accounts> Accounts::decode(std::string_view bytes) {
    Accounts out;
    try {
        const auto v = json::parse(json::string_view(bytes.data(), bytes.size()));
        if (v.at("format").to_number<int>() != 1)
            return fail(Errc::foreign_data,
                        "账号文件是新版程序写的,请升级 / the file of accounts is of a newer program: upgrade this one");
        for (const auto& a : v.at("accounts").as_array()) {
            Account x;
            x.login = std::string(a.at("login").as_string());
            x.name = std::string(a.at("name").as_string());
            TRY(x.roles, roles_from(std::string_view(a.at("roles").as_string())));
            x.password = std::string(a.at("password").as_string());
            x.password_no = a.at("password_no").to_number<std::uint64_t>();
            x.devices = known_from(a.at("devices"));
            x.addresses = known_from(a.at("addresses"));
            out.all_.push_back(std::move(x));
        }
    } catch (const std::exception&) {
        return fail(Errc::corrupt,
                    "账号文件已损坏;删除它之后用 person add 重新建账号 / the file of accounts is damaged: remove it, "
                    "then make the accounts again by `person add`");
    }
    return out;
}

std::string Accounts::encode() const {
    json::array list;
    for (const auto& a : all_)
        list.push_back({{"login", a.login},
                        {"name", a.name},
                        {"roles", names_of(a.roles)},
                        {"password", a.password},
                        {"password_no", a.password_no},
                        {"devices", known_json(a.devices)},
                        {"addresses", known_json(a.addresses)}});
    return json::serialize(json::value{{"format", 1}, {"accounts", std::move(list)}}) + "\n";
}

const Account* Accounts::find(std::string_view login) const {
    const auto wanted = folded(login);
    for (const auto& a : all_)
        if (folded(a.login) == wanted) return &a;
    return nullptr;
}

Result<Account*> Accounts::at(const std::string& login) {
    const auto* found = find(login);
    if (!found) return no_account(login);
    return &all_[static_cast<std::size_t>(found - all_.data())];
}

Result<> Accounts::check_name(const std::string& name, const Account* but) const {
    if (!is_name(name))
        return fail(Errc::bad_input,
                    "姓名不能用,请用 1 到 20 个字 / that name cannot be used: 1 to 60 bytes of plain text");
    for (const auto& a : all_)
        if (&a != but && a.name == name)
            return fail(Errc::not_allowed, "已有人叫 " + name + ",请加以区别(提交上写的是姓名)/ somebody is called " +
                                               name + " already; commits are signed by the name, make it another");
    return {};
}

Result<> Accounts::add(const std::string& login, const std::string& name, Roles roles, const std::string& hash) {
    if (!is_login(login))
        return fail(
            Errc::bad_input,
            "账号不能用:不要有空格和 / @ : ? & = % / that account name cannot be used: no spaces, none of / @ : "
            "? & = %");
    if (find(login)) return fail(Errc::not_allowed, "已有账号 " + login + " / there is an account " + login);
    if (all_.size() >= kAccountsMax) return fail(Errc::not_allowed, "账号太多 / there are too many accounts");
    TRY_VOID(check_name(name, nullptr));
    Account a;
    a.login = login;
    a.name = name;
    a.roles = roles;
    a.password = hash;
    a.password_no = 1;
    all_.push_back(std::move(a));
    return {};
}

Result<> Accounts::keeps_administrator(const Account& without) const {
    if (!(without.roles & kAdministrator) || all_.size() == 1) return {};
    for (const auto& a : all_)
        if (&a != &without && a.roles & kAdministrator) return {};
    return fail(Errc::not_allowed,
                "这是最后一个管理员,请先另设一个 / this is the last administrator: make another one first");
}

Result<> Accounts::set_roles(const std::string& login, Roles roles) {
    TRY(auto* a, at(login));
    if (!(roles & kAdministrator)) TRY_VOID(keeps_administrator(*a));
    a->roles = roles;
    return {};
}

Result<> Accounts::set_name(const std::string& login, const std::string& name) {
    TRY(auto* a, at(login));
    TRY_VOID(check_name(name, a));
    a->name = name;
    return {};
}

Result<> Accounts::set_password(const std::string& login, const std::string& hash) {
    TRY(auto* a, at(login));
    a->password = hash;
    ++a->password_no;
    a->devices.clear();
    a->addresses.clear();
    return {};
}

Result<> Accounts::remove(const std::string& login) {
    TRY(auto* a, at(login));
    TRY_VOID(keeps_administrator(*a));
    all_.erase(all_.begin() + (a - all_.data()));
    return {};
}

bool Accounts::knows(const std::vector<Known>& list, std::string_view what, std::int64_t now_ms, std::int64_t for_ms) {
    if (what.empty()) return false;
    return std::any_of(list.begin(), list.end(),
                       [&](const Known& k) { return k.what == what && now_ms - k.seen_ms <= for_ms; });
}

bool Accounts::note(const std::string& login, const std::string& device, const std::string& address,
                    std::int64_t now_ms) {
    auto found = at(login);
    if (!found) return false;
    auto* a = *found;
    const bool is_news = is_stale(a->devices, device, now_ms) || is_stale(a->addresses, address, now_ms);
    if (!is_news) return false;
    note_in(a->devices, device, now_ms);
    note_in(a->addresses, address, now_ms);
    return true;
}

}  // namespace taizhang::people
