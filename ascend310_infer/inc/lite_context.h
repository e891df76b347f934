// What the runtime is told of the device; apart from the network, so that a test can look at it.
#ifndef DEPTH_INFER_LITE_CONTEXT_H_
#define DEPTH_INFER_LITE_CONTEXT_H_

#include <memory>

#include "include/api/context.h"
#include "network.h"

namespace depth {

std::shared_ptr<mindspore::Context> MakeContext(const RuntimeOptions& options);

}  // namespace depth

#endif  // DEPTH_INFER_LITE_CONTEXT_H_
