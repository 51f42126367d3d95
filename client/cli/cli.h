// cli.h - the terminal of both programs.
//
// What is said on standard output is the answer; one line on standard error is what
// went wrong; exit status 2 for wrong usage or input, 1 for a failure at work.
#pragma once

namespace taizhang::cli {

enum class Program { branch, server };

int run(Program program, int argc, char** argv);

}  // namespace taizhang::cli
