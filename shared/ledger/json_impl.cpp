// json_impl.cpp - the one place where Boost.JSON is compiled.
#include <boost/json/src.hpp>
