#include "ledger/city_file.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>

#include <catch2/catch.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

namespace taizhang::city_file_test {
using namespace taizhang::ledger;
namespace json = boost::json;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

const std::string kDemo = TZ_SOURCE_DIR "/schema/demo/yunxiu.json";

std::string slurp(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// A file that is gone at the end of the test.
class TemporaryFile {
public:
    TemporaryFile() {
        static int number = 0;
        path_ = std::filesystem::temp_directory_path() /
                ("tz-city-" + std::to_string(::getpid()) + "-" + std::to_string(number++) + ".json");
    }
    explicit TemporaryFile(const std::string& bytes) : TemporaryFile() {
        std::ofstream(path_, std::ios::binary) << bytes;
    }
    ~TemporaryFile() {
        std::error_code ec;
        std::filesystem::remove(path_, ec);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    std::string str() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

Result<CityFile> read_bytes(const std::string& bytes) { return read_city_file(TemporaryFile(bytes).str()); }

using Edit = std::function<void(json::object& city)>;

const json::object& demo() {
    static const json::object city = json::parse(slurp(kDemo)).as_object();
    return city;
}

Result<CityFile> read_edited(const Edit& edit) {
    auto city = demo();
    edit(city);
    return read_bytes(json::serialize(city));
}

json::object& record(json::object& city, const char* list, std::size_t i) {
    return city.at(list).as_array().at(i).as_object();
}

/// The line that a file is refused with: one line, Chinese first, then English.
std::string line_of(const Result<CityFile>& r) {
    REQUIRE(!r);
    CHECK(r.error().code == Errc::bad_input);
    const auto detail = r.error().detail;
    INFO(detail);
    CHECK(detail.find('\n') == std::string::npos);
    CHECK(detail.find(": ") != std::string::npos);
    CHECK(detail.find(" / ") != std::string::npos);
    CHECK(detail.size() < 600);
    return detail;
}

std::string refused(const Edit& edit) { return line_of(read_edited(edit)); }

/// Forgets the peak of the tests before; where the kernel does not allow it, the test only says less.
void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

long peak_kilobytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

}  // namespace

TEST_CASE("city file: the demo city comes in whole", "[ledger][city]") {
    const auto city = read_city_file(kDemo);
    REQUIRE(city.has_value());
    CHECK(city->of("units").size() == 42);
    CHECK(city->of("assignments").size() == 353);
    CHECK(city->of("progress_reports").size() == 547);
    CHECK(city->of("submissions_register").size() == 5);
    CHECK(city->of("no_such_list").empty());
    CHECK((city->meta.at("schema") == "demo/1"));
    CHECK(city->other.contains("dictionaries"));
    CHECK(city->other.contains("conflict_scenarios"));
    // Everything that stands in the file stands in what was read.
    auto again = city->other;
    again["meta"] = city->meta;
    for (const auto& [name, records] : city->records) again[name] = json::array(records.begin(), records.end());
    CHECK((again == demo()));
}

TEST_CASE("city file: what is unknown is kept and what is optional may be missing", "[ledger][city]") {
    const auto city = read_edited([](json::object& c) {
        record(c, "units", 3)["colour"] = {{"nested", {1, 2, nullptr}}};
        c["annex"] = {1, "two", {3}};
        for (const char* list :
             {"pushes", "guidance", "help_requests", "meetings", "circulars", "submissions_register"})
            c.erase(list);
        c.erase("dictionaries");
        c.erase("meta");
        record(c, "units", 0)["parent_id"] = nullptr;
        record(c, "units", 30).erase("members");
        record(c, "assignments", 4)["signed_at"] = nullptr;
        record(c, "assignments", 5).erase("forwarded_at");
        record(c, "rectifications", 0)["related_task_id"] = "";
    });
    REQUIRE(city.has_value());
    CHECK(city->of("units")[3].at("colour").at("nested").as_array().size() == 3);
    CHECK(city->other.at("annex").as_array().size() == 3);
    CHECK(city->of("pushes").empty());
    CHECK(city->meta.empty());
}

TEST_CASE("city file: units alone are a city", "[ledger][city]") {
    CHECK(read_bytes(R"({"units":[{"id":"C","parent_id":"","name":"市","level":"city"}]})").has_value());
    // A Windows editor's mark in front, white space behind.
    CHECK(read_bytes("\xEF\xBB\xBF {\"units\":[{\"id\":\"C\",\"name\":\"市\",\"level\":\"city\"}]} \r\n\t\n")
              .has_value());
}

TEST_CASE("city file: bytes that are no city file are refused", "[ledger][city]") {
    const std::string whole = slurp(kDemo);
    CHECK_THAT(line_of(read_bytes("")), Contains("empty"));
    CHECK_THAT(line_of(read_bytes(" \n ")), Contains("too early"));
    CHECK_THAT(line_of(read_bytes("hello")), Contains("not JSON at line 1, byte 1"));
    CHECK_THAT(line_of(read_bytes("[]")), Contains("outermost"));
    CHECK_THAT(line_of(read_bytes("12")), Contains("outermost"));
    CHECK_THAT(line_of(read_bytes("{}")), Contains("no units"));
    CHECK_THAT(line_of(read_bytes("{\"units\":[]}")), Contains("no units"));
    CHECK_THAT(line_of(read_bytes(std::string("\xFF\xFE{\0", 4))), Contains("UTF-16"));
    CHECK_THAT(line_of(read_bytes("{\"meta\":{\"a\":NaN}}")), StartsWith("meta a: ") && Contains("not JSON"));
    CHECK_THAT(line_of(read_bytes("PK\x03\x04 a zip file")), Contains("not JSON"));
    CHECK_THAT(line_of(read_bytes(whole + "{}")), Contains("more after the end"));
    CHECK_THAT(line_of(read_bytes(whole + std::string(200'000, '\n') + "x")), Contains("more after the end"));
    CHECK_THAT(line_of(read_city_file(std::filesystem::temp_directory_path().string())), Contains("directory"));
    const auto missing = read_city_file("/no/such/city.json");
    REQUIRE(!missing);
    CHECK(missing.error().code == Errc::not_found);
    CHECK_THAT(missing.error().detail, StartsWith("/no/such/city.json: ") && Contains(" / "));
}

TEST_CASE("city file: cut off anywhere, it is refused", "[ledger][city]") {
    const std::string whole = json::serialize(demo());
    const auto in_assignments = whole.find("\"A0013\"");
    CHECK_THAT(line_of(read_bytes(whole.substr(0, in_assignments + 60))),
               StartsWith("assignments[12] (A0013)") && Contains("ends too early"));
    for (std::size_t n = 1; n < whole.size(); n += whole.size() / 23) line_of(read_bytes(whole.substr(0, n)));
    line_of(read_bytes(whole.substr(0, whole.size() - 1)));
}

TEST_CASE("city file: text that is not UTF-8 is refused with its record", "[ledger][city]") {
    std::string bytes = json::serialize(demo());
    const auto at = bytes.find("办理中", bytes.find("\"A0013\""));
    bytes.replace(at, 9, "\xB0\xEC\xC0\xED\xD6\xD0");  // the same word in GBK
    CHECK_THAT(line_of(read_bytes(bytes)), StartsWith("assignments[12] (A0013) status: ") && Contains("not UTF-8"));
    for (const char* bad : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE4\xB8"})
        CHECK_THAT(line_of(read_bytes("{\"meta\":{\"city\":\"" + std::string(bad) + "\"}}")), Contains("not UTF-8"));
    CHECK_THAT(line_of(read_bytes("{\"meta\":{\"city\":\"a\\u0000b\"}}")), Contains("NUL"));
    line_of(read_bytes("{\"meta\":{\"city\":\"\\ud800\"}}"));
}

TEST_CASE("city file: syntax faults name record, line and byte", "[ledger][city]") {
    std::string bytes = json::serialize(demo());
    const auto at = bytes.find("\"A0013\"");
    bytes.insert(at + 7, "\n\n,");
    CHECK_THAT(line_of(read_bytes(bytes)), StartsWith("assignments[12] (A0013)") &&
                                               Contains("not JSON at line 3, byte " + std::to_string(at + 11)));
}

TEST_CASE("city file: references name records that are there", "[ledger][city]") {
    const auto broken = [](const char* list, std::size_t i, const char* key) {
        return refused([=](json::object& c) { record(c, list, i)[key] = "NO-SUCH"; });
    };
    CHECK_THAT(broken("assignments", 12, "unit_id"),
               StartsWith("assignments[12] (A0013) unit_id: ") && Contains("there is no NO-SUCH in units"));
    CHECK_THAT(broken("assignments", 12, "task_id"), Contains("NO-SUCH in tasks"));
    CHECK_THAT(broken("assignments", 100, "parent_assignment_id"), Contains("NO-SUCH in assignments"));
    CHECK_THAT(broken("units", 7, "parent_id"), StartsWith("units[7] (K2) parent_id: "));
    CHECK_THAT(broken("users", 2, "unit_id"), StartsWith("users[2] "));
    CHECK_THAT(broken("tasks", 2, "lead_unit_id"), StartsWith("tasks[2] (T2025-03) lead_unit_id: "));
    CHECK_THAT(broken("progress_reports", 2, "assignment_id"), StartsWith("progress_reports[2] (R0003) "));
    CHECK_THAT(broken("progress_reports", 2, "task_id"), Contains("task_id: "));
    CHECK_THAT(broken("verifications", 2, "verified_by_unit_id"), Contains("verified_by_unit_id: "));
    CHECK_THAT(broken("verifications", 2, "task_id"), Contains("task_id: "));
    CHECK_THAT(broken("pushes", 2, "by_unit_id"), Contains("by_unit_id: "));
    CHECK_THAT(broken("guidance", 2, "assignment_id"), Contains("assignment_id: "));
    CHECK_THAT(broken("help_requests", 2, "to_unit_id"), Contains("to_unit_id: "));
    CHECK_THAT(broken("rectifications", 2, "responsible_unit_id"), Contains("responsible_unit_id: "));
    CHECK_THAT(broken("rectifications", 2, "related_task_id"), Contains("related_task_id: "));
    CHECK_THAT(broken("meetings", 1, "host_unit_id"), Contains("host_unit_id: "));
    CHECK_THAT(broken("submissions_register", 3, "unit_id"), StartsWith("submissions_register[3] unit_id: "));
    CHECK_THAT(refused([](json::object& c) {
                   record(c, "tasks", 2)["cooperating_units"] = {"C-JG", "NO-SUCH"};
               }),
               StartsWith("tasks[2] (T2025-03) cooperating_units: "));
    CHECK_THAT(refused([](json::object& c) {
                   record(c, "meetings", 1)["attendance"].as_array()[3].as_object()["unit_id"] = "NO-SUCH";
               }),
               StartsWith("meetings[1] (M2) attendance[3].unit_id: "));
    CHECK_THAT(refused([](json::object& c) {
                   record(c, "meetings", 1)["attendance"].as_array()[3].as_object()["actual_user_id"] = "NO-SUCH";
               }),
               Contains("NO-SUCH in users"));
    CHECK_THAT(refused([](json::object& c) {
                   record(c, "circulars", 0)["named"].as_array()[0].as_object()["problem_id"] = "NO-SUCH";
               }),
               Contains("named[0].problem_id: ") && Contains("NO-SUCH in rectifications"));
    CHECK_THAT(refused([](json::object& c) {
                   record(c, "rectifications", 0)["events"].as_array()[1].as_object()["by_unit_id"] = "NO-SUCH";
               }),
               Contains("events[1].by_unit_id: "));
    // A unit that is struck out leaves its records without a home.
    CHECK_THAT(refused([](json::object& c) {
                   auto& units = c.at("units").as_array();
                   units.erase(units.end() - 1);
               }),
               Contains("no B20 in units"));
}

TEST_CASE("city file: ids are there, text and unique", "[ledger][city]") {
    CHECK_THAT(refused([](json::object& c) { record(c, "assignments", 12)["id"] = "A0001"; }),
               StartsWith("assignments[12] (A0001) id: ") && Contains("assignments[0]"));
    CHECK_THAT(refused([](json::object& c) { record(c, "tasks", 4).erase("id"); }), StartsWith("tasks[4]: "));
    CHECK_THAT(refused([](json::object& c) { record(c, "tasks", 4)["id"] = 7; }), StartsWith("tasks[4]: "));
    CHECK_THAT(refused([](json::object& c) { record(c, "tasks", 4)["id"] = ""; }), StartsWith("tasks[4] id: "));
    CHECK_THAT(refused([](json::object& c) { record(c, "tasks", 4)["id"] = "T\n1"; }),
               StartsWith("tasks[4] (T?1) id: "));
    CHECK_THAT(refused([](json::object& c) { record(c, "tasks", 4)["id"] = std::string(300, 'T'); }), Contains("200"));
}

TEST_CASE("city file: a key or a part that stands twice is refused", "[ledger][city]") {
    std::string bytes = json::serialize(demo());
    auto twice = bytes;
    twice.insert(twice.find("\"A0013\"") + 7, ",\"status\":\"退回\"");
    CHECK_THAT(line_of(read_bytes(twice)), StartsWith("assignments[12] (A0013) status: ") && Contains("twice"));
    twice = bytes;
    twice.insert(twice.find("\"late_min\":31"), "\"status\":\"缺席\",");
    CHECK_THAT(line_of(read_bytes(twice)), StartsWith("meetings[0] (M1) attendance[3].status: ") && Contains("twice"));
    twice = bytes;
    twice.insert(1, "\"units\":[],");
    CHECK_THAT(line_of(read_bytes(twice)), StartsWith("units: ") && Contains("twice"));
}

TEST_CASE("city file: states, levels, dates and numbers are real ones", "[ledger][city]") {
    const auto broken = [](const char* list, std::size_t i, const char* key, const json::value& v) {
        return refused([=](json::object& c) { record(c, list, i)[key] = v; });
    };
    CHECK_THAT(broken("assignments", 12, "status", "差不多了"),
               StartsWith("assignments[12] (A0013) status: ") && Contains("差不多了"));
    CHECK_THAT(broken("rectifications", 1, "status", "办理中"), StartsWith("rectifications[1] (ZG2025-02) status: "));
    CHECK_THAT(broken("assignments", 12, "level", "province"), Contains("level: ") && Contains("province"));
    CHECK_THAT(broken("units", 12, "level", "village"), StartsWith("units[12] "));
    CHECK_THAT(broken("tasks", 1, "deadline", "2025-02-30"), StartsWith("tasks[1] (T2025-02) deadline: "));
    CHECK_THAT(broken("tasks", 1, "issued_at", "2025-02-03T09:00:00"), Contains("issued_at: "));
    CHECK_THAT(broken("assignments", 12, "received_at", "昨天"), Contains("received_at: "));
    CHECK_THAT(broken("assignments", 12, "forwarded_at", "2025-13-01T09:00:00+08:00"), Contains("forwarded_at: "));
    CHECK_THAT(broken("progress_reports", 7, "occurred_at", "2025-04-31T12:00:00+08:00"), Contains("occurred_at: "));
    CHECK_THAT(broken("progress_reports", 7, "value", "30"), Contains("value: ") && Contains("number"));
    CHECK_THAT(broken("progress_reports", 7, "value", nullptr), Contains("value: ") && Contains("missing"));
    CHECK_THAT(broken("progress_reports", 7, "substantive", 1), Contains("substantive: "));
    CHECK_THAT(broken("tasks", 1, "target_value", "六"), Contains("target_value: "));
    CHECK_THAT(broken("tasks", 1, "applies_to_fields", "农村"), Contains("applies_to_fields: "));
    CHECK_THAT(broken("tasks", 1, "applies_to_fields", json::array{1}), Contains("applies_to_fields: "));
    CHECK_THAT(broken("meetings", 0, "attendance", json::array{1}), StartsWith("meetings[0] (M1) attendance[0]: "));
    CHECK_THAT(broken("units", 30, "device", "PC"), Contains("device: "));
    CHECK_THAT(broken("assignments", 12, "unit_id", 5), Contains("unit_id: ") && Contains("text"));
    CHECK_THAT(refused([](json::object& c) { record(c, "assignments", 12).erase("unit_id"); }),
               StartsWith("assignments[12] (A0013) unit_id: ") && Contains("missing"));
    CHECK_THAT(refused([](json::object& c) { c.at("meta").as_object()["as_of"] = "2025-11-31"; }),
               StartsWith("meta as_of: "));
    std::string bytes = json::serialize(demo());
    const auto at = bytes.find("\"value\":", bytes.find("\"R0008\"")) + 8;
    bytes.replace(at, bytes.find(',', at) - at, "1e999");
    CHECK_THAT(line_of(read_bytes(bytes)), StartsWith("progress_reports[7] (R0008) value: "));
    // One line and a short one, whatever was written there.
    CHECK_THAT(broken("assignments", 12, "status", json::value_from("a\nb" + std::string(5'000, 'x'))),
               Contains("a?bxxx"));
}

TEST_CASE("city file: the file's own dictionary decides which states there are", "[ledger][city]") {
    CHECK(read_edited([](json::object& c) {
              c.at("dictionaries").at("assignment").as_array().push_back("待分办");
              record(c, "assignments", 12)["status"] = "待分办";
          }).has_value());
    CHECK_THAT(refused([](json::object& c) { c.at("dictionaries").as_object()["assignment"] = {"办理中"}; }),
               StartsWith("assignments[") && Contains("status: "));
    CHECK_THAT(refused([](json::object& c) { c.at("dictionaries").as_object()["assignment"] = "办理中"; }),
               StartsWith("dictionaries assignment: "));
    CHECK_THAT(refused([](json::object& c) {
                   c.erase("dictionaries");
                   record(c, "assignments", 12)["status"] = "待分办";
               }),
               StartsWith("assignments[12] (A0013) status: "));
}

TEST_CASE("city file: the units are one tree", "[ledger][city]") {
    CHECK_THAT(refused([](json::object& c) { record(c, "units", 8)["parent_id"] = ""; }),
               StartsWith("units[8] (K3) parent_id: ") && Contains("units[0]"));
    CHECK_THAT(refused([](json::object& c) { record(c, "units", 8)["parent_id"] = "K3-01"; }),
               StartsWith("units[") && Contains("parent_id: ") && Contains("comes back here"));
    CHECK_THAT(refused([](json::object& c) { record(c, "units", 0)["parent_id"] = "C"; }),
               StartsWith("units[0] (C) parent_id: ") && Contains("comes back here"));
    CHECK_THAT(refused([](json::object& c) { record(c, "units", 11)["level"] = "city"; }),
               StartsWith("units[11] (K1-01) level: "));
    CHECK_THAT(refused([](json::object& c) { record(c, "assignments", 0)["parent_assignment_id"] = "A0017"; }),
               StartsWith("assignments[") && Contains("parent_assignment_id: ") && Contains("comes back here"));
}

TEST_CASE("city file: lists are lists and records are objects", "[ledger][city]") {
    CHECK_THAT(refused([](json::object& c) { c["assignments"] = json::object{}; }), StartsWith("assignments: "));
    CHECK_THAT(refused([](json::object& c) { c["assignments"] = 3; }), StartsWith("assignments: "));
    CHECK_THAT(refused([](json::object& c) { c["assignments"] = nullptr; }), StartsWith("assignments: "));
    CHECK_THAT(refused([](json::object& c) { c.at("assignments").as_array()[12] = "A0013"; }),
               StartsWith("assignments[12]: "));
    CHECK_THAT(refused([](json::object& c) { c.at("assignments").as_array()[12] = json::array{}; }),
               StartsWith("assignments[12]: "));
    CHECK_THAT(refused([](json::object& c) { c["meta"] = json::array{}; }), StartsWith("meta: "));
    CHECK_THAT(refused([](json::object& c) { c["meta"] = "x"; }), StartsWith("meta: "));
}

TEST_CASE("city file: too deep, too big and too long are refused with their record", "[ledger][city]") {
    std::string bytes = json::serialize(demo());
    const auto spot = bytes.find("\"A0013\"") + 7;
    const auto with = [&](const std::string& member) {
        auto b = bytes;
        return line_of(read_bytes(b.insert(spot, "," + member)));
    };
    CHECK_THAT(with("\"x\":" + std::string(100'000, '[')),
               StartsWith("assignments[12] (A0013) x[0]") && Contains("16 levels"));
    std::string deep;
    for (int i = 0; i < 1'000; ++i) deep += "{\"x\":";
    CHECK_THAT(with("\"x\":" + deep), StartsWith("assignments[12] (A0013) x.x.x") && Contains("16 levels"));
    CHECK_THAT(line_of(read_bytes(std::string(1'000'000, '['))), Contains("outermost"));
    CHECK_THAT(with("\"x\":\"" + std::string(kCityStringMax + 1, 'a') + "\""),
               StartsWith("assignments[12] (A0013) x: ") && Contains("1 MiB"));
    CHECK_THAT(with("\"" + std::string(kCityStringMax + 1, 'a') + "\":1"), StartsWith("assignments[12] (A0013)"));
    CHECK_THAT(with("\"x\":" + std::string(300'000, '7')),
               StartsWith("assignments[12] (A0013) x: ") && Contains("digits"));
    std::string many = "\"x\":[0";
    for (int i = 0; i < 200'000; ++i) many += ",0";
    CHECK_THAT(with(many + "]"), StartsWith("assignments[12] (A0013) x[") && Contains("4 MiB"));
    // Just inside the limits is fine.
    auto b = bytes;
    CHECK(read_bytes(
              b.insert(spot, ",\"x\":\"" + std::string(kCityStringMax, 'a') + "\",\"y\":[[[[[[[[[[[[[]]]]]]]]]]]]]"))
              .has_value());
}

TEST_CASE("city file: what is no record list has a limit altogether", "[ledger][city]") {
    std::string bytes = "{\"annex\":[\"x\"";
    const std::string element = ",\"" + std::string(1'000'000, 'a') + "\"";
    for (int i = 0; i < 80; ++i) bytes += element;
    CHECK_THAT(line_of(read_bytes(bytes + "]}")), StartsWith("annex[") && Contains("64 MiB"));
}

TEST_CASE("city file: a 200 MB string costs no 200 MB", "[ledger][city]") {
    const TemporaryFile file;
    {
        std::ofstream out(file.str(), std::ios::binary);
        out << R"({"units":[{"id":"C","name":"市","level":"city"}],"progress_reports":[{"id":"R1"},{"id":"R2","text":")";
        const std::string block(1'000'000, 'a');
        for (int i = 0; i < 200; ++i) out << block;
        out << "\"}]}";
        REQUIRE(out.good());
    }
    reset_peak();
    const auto before = peak_kilobytes();
    const auto start = std::chrono::steady_clock::now();
    CHECK_THAT(line_of(read_city_file(file.str())), StartsWith("progress_reports[1] (R2) text: ") && Contains("1 MiB"));
    CHECK(peak_kilobytes() - before < 16'000);
    // No timing: what reads such a string again and again would take minutes on any machine.
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
}

TEST_CASE("city file: damage anywhere gives a line or a city, never a crash", "[ledger][city]") {
    const std::string whole = json::serialize(demo());
    std::uint32_t seed = 20251106;
    const auto next = [&seed] { return seed = seed * 1664525u + 1013904223u, seed >> 8; };
    for (int i = 0; i < 150; ++i) {
        auto bytes = whole;
        for (int k = 0; k < 3; ++k) bytes[next() % bytes.size()] = static_cast<char>(next());
        const auto r = read_bytes(bytes);
        if (!r) line_of(r);
    }
}

TEST_CASE("city file: long text may lie anywhere across a read, in characters and in escapes", "[ledger][city]") {
    constexpr std::size_t kBlock = 64 << 10;
    const std::string start = R"({"units":[{"id":"C","name":"市","level":"city","note":")";
    const std::string next = R"(","words":")", end = R"("}]})";
    struct Text {
        const char *written, *read;
    };
    for (const auto& [written, read] : {Text{"长", "长"}, Text{R"(\u957f)", "长"}, Text{R"(\ud83d\ude00)", "😀"},
                                        Text{R"(\\\u957f长\n)", "\\长长\n"}, Text{"é", "é"}})
        for (std::size_t shift = 0; shift < 32; ++shift) {
            INFO(written << " from " << shift);
            std::string text, expected;
            while (text.size() < 9'000) {
                text += written;
                expected += read;
            }
            // So that the text begins up to 32 bytes before a block ends.
            const std::string before(kBlock - start.size() - next.size() - shift, 'a');
            const auto city = read_bytes(start + before + next + text + end);
            REQUIRE(city.has_value());
            CHECK(city->of("units")[0].at("words").as_string() == expected);
        }
}

}  // namespace taizhang::city_file_test
