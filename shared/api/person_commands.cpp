#include "api/person_commands.h"

#include "text/text.h"
#include "trust/password.h"

#include <boost/json.hpp>

namespace taizhang::api {

namespace json = boost::json;
using people::Accounts;
using text::Msg;
using text::say;

namespace {

constexpr const char* kUsage = "person list|add|role|name|password|remove [LOGIN] [--role ROLE] [--name NAME]";

json::object account_json(const people::Account& a) {
    json::array roles;
    for (const auto& w : people::role_words())
        if (a.roles & w.role) roles.push_back(json::string(w.name));
    return {{"login", a.login}, {"name", a.name}, {"roles", std::move(roles)}};
}

json::value list_json(const Accounts& accounts) {
    json::array out;
    for (const auto& a : accounts.all()) out.push_back(account_json(a));
    return out;
}

Result<people::Roles> roles_here(node::Node& n, const std::string& list) {
    TRY(const auto roles, people::roles_from(list));
    const auto* cert = n.replica().control().cert(n.replica().id());
    TRY_VOID(people::check_level(roles, cert ? cert->level : Level::none));
    return roles;
}

Result<std::string> new_hash(const Command& c) {
    TRY_VOID(trust::check_new_password(c.option("password")));
    return trust::hash_password(c.option("password"));
}

Result<> add(node::Node& n, const Command& c, const std::string& login) {
    TRY(const auto roles, roles_here(n, c.option("role")));
    TRY(const auto hash, new_hash(c));
    const auto name = c.has("name") ? c.option("name") : login;
    return n.people().change([&](Accounts& a) { return a.add(login, name, roles, hash); });
}

Result<> change(node::Node& n, const Command& c, const std::string& what, const std::string& login) {
    if (what == "add") return add(n, c, login);
    if (what == "remove") return n.people().change([&](Accounts& a) { return a.remove(login); });
    if (what == "role") {
        TRY(const auto roles, roles_here(n, c.option("role")));
        return n.people().change([&](Accounts& a) { return a.set_roles(login, roles); });
    }
    if (what == "name" && c.has("name"))
        return n.people().change([&](Accounts& a) { return a.set_name(login, c.option("name")); });
    if (what == "password") {
        if (!n.people().accounts().find(login))
            return fail(Errc::not_found, "没有这个账号:" + login + " / no such account: " + login);
        TRY(const auto hash, new_hash(c));
        return n.people().change([&](Accounts& a) { return a.set_password(login, hash); });
    }
    return fail(Errc::usage, std::string("用法:") + kUsage + " / usage: " + kUsage);
}

}  // namespace

bool wants_password(const Command& c) {
    return c.name == "person" && c.args.size() == 2 && (c.args[0] == "add" || c.args[0] == "password");
}

Result<json::value> person(node::Node& n, const Command& c) {
    const auto& what = c.args[0];
    if (what == "list" && c.args.size() == 1) return list_json(n.people().accounts());
    if (c.args.size() != 2) return fail(Errc::usage, std::string("用法:") + kUsage + " / usage: " + kUsage);
    TRY_VOID(change(n, c, what, c.args[1]));
    json::object out{{"done", what}, {"login", c.args[1]}};
    if (const auto* a = n.people().accounts().find(c.args[1])) out["account"] = account_json(*a);
    out["accounts"] = n.people().accounts().all().size();
    return out;
}

std::string render_person(const Command& c, const json::value& document) {
    if (document.is_object())
        return say(Msg::person_done, {c.args[1], json::serialize(document.at("accounts"))}) + "\n";
    std::string out;
    for (const auto& a : document.as_array()) {
        people::Roles roles = 0;
        for (const auto& r : a.at("roles").as_array())
            for (const auto& w : people::role_words())
                if (r.as_string() == w.name) roles |= w.role;
        out += std::string(a.at("login").as_string()) + "\t" + std::string(a.at("name").as_string()) + "\t" +
               text::choose(people::zh_of(roles) + " / " + people::en_of(roles)) + "\n";
    }
    return out.empty() ? say(Msg::no_accounts) + "\n" : out;
}

}  // namespace taizhang::api
