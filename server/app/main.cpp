#include "client/cli/cli.h"

int main(int argc, char** argv) { return taizhang::cli::run(taizhang::cli::Program::server, argc, argv); }
