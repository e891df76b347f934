// What a card cannot do, said before the runtime tries it and answers "error".
#ifndef DEPTH_INFER_CARD_H_
#define DEPTH_INFER_CARD_H_

#include <cstdint>
#include <filesystem>

#include "mindir.h"
#include "network.h"
#include "sidecar.h"

namespace depth {

// Throws InputError when this device cannot run this graph as asked: on the CPU a graph that was
// compiled for a card; on a card another batch than the graph's (`batch`, 0: none asked for), a
// size that is not known beforehand, or a precision for a graph that has one already.
void CheckDevice(const std::filesystem::path& mindir, const MindirHeader& header,
                 const Sidecar& sidecar, const RuntimeOptions& options, int batch);

// Throws InputError when a graph that was made for `fixed` images (-1: any number) cannot take
// `batch` (0: as many as it was made for). The CPU can resize a graph for one image, a card cannot.
void CheckBatch(const std::filesystem::path& sidecar, int64_t fixed, Device device, int batch);

}  // namespace depth

#endif  // DEPTH_INFER_CARD_H_
