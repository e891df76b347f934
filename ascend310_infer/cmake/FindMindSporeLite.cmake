# Finds the MindSpore Lite runtime: LITE_HOME (the official archive, or an unpacked wheel), else what
# scripts/install_lite.sh unpacked, a Python package or a system folder. Of the official archives,
# which share one file name, only the one for cloud-side inference reads a .mindir.
# Sets MindSporeLite_LIBRARY, _INCLUDE_DIR, _LIBRARY_DIRS, _VERSION ("" when it is not told).

if(LITE_HOME)
  # A folder that the user names is the only one looked at; nothing is taken in its place.
  set(_lite_roots "${LITE_HOME}")
else()
  set(_lite_roots "${CMAKE_CURRENT_SOURCE_DIR}/../.cache/mindspore_lite")
  find_program(_lite_python NAMES python3 NO_CACHE)
  if(_lite_python)
    execute_process(
      COMMAND ${_lite_python} -c
        "import importlib.util as u; s = u.find_spec('mindspore_lite'); print(s.submodule_search_locations[0] if s else '', end='')"
      OUTPUT_VARIABLE _lite_package ERROR_QUIET)
    list(APPEND _lite_roots ${_lite_package})
  endif()
  list(APPEND _lite_roots /usr/local/mindspore-lite /usr/local /usr)
endif()

find_path(MindSporeLite_INCLUDE_DIR NAMES include/api/model.h HINTS ${_lite_roots}
  PATH_SUFFIXES runtime NO_CACHE NO_DEFAULT_PATH)
find_library(MindSporeLite_LIBRARY NAMES mindspore-lite mindspore-extendrt_python
  HINTS ${_lite_roots} PATH_SUFFIXES runtime/lib lib NO_CACHE NO_DEFAULT_PATH)

if(MindSporeLite_LIBRARY)
  get_filename_component(_lite_lib "${MindSporeLite_LIBRARY}" DIRECTORY)
  get_filename_component(_lite_root "${_lite_lib}/.." REALPATH)
  file(GLOB MindSporeLite_LIBRARY_DIRS LIST_DIRECTORIES true
    "${_lite_root}/third_party/*" "${_lite_root}/third_party/*/lib")
  list(PREPEND MindSporeLite_LIBRARY_DIRS "${_lite_lib}")
  # In an archive the runtime needs a library that lies with the converter: it is linked with it, and
  # so is the plug-in that compiles a .mindir when it is loaded.
  set(_lite_is_archive FALSE)
  if(_lite_root MATCHES "/runtime$")
    set(_lite_is_archive TRUE)
    get_filename_component(_lite_archive "${_lite_root}/.." REALPATH)
    list(APPEND MindSporeLite_LIBRARY_DIRS "${_lite_archive}/tools/converter/lib")
  endif()
  # The wheel tells its version in a file, the archive in its folder's name.
  set(MindSporeLite_VERSION "")
  if(EXISTS "${_lite_root}/version.py")
    file(STRINGS "${_lite_root}/version.py" _lite_text)
  else()
    set(_lite_text "${_lite_root}")
  endif()
  if(_lite_text MATCHES "([0-9]+\\.[0-9]+\\.[0-9]+)")
    set(MindSporeLite_VERSION "${CMAKE_MATCH_1}")
  endif()
endif()

set(MindSporeLite_FOUND FALSE)
if(MindSporeLite_LIBRARY AND MindSporeLite_INCLUDE_DIR)
  set(MindSporeLite_FOUND TRUE)
elseif(MindSporeLite_LIBRARY)
  fail("${_lite_root} lacks include/api/model.h, the C++ headers of MindSpore Lite: unpack all of it again")
elseif(LITE_HOME)
  fail("no MindSpore Lite in LITE_HOME=${LITE_HOME}: it should hold runtime/lib, or lib")
else()
  fail("no MindSpore Lite found: run scripts/install_lite.sh, or set LITE_HOME")
endif()
if(MindSporeLite_VERSION AND MindSporeLite_VERSION VERSION_LESS 2.0.0)
  fail("MindSpore Lite ${MindSporeLite_VERSION} in ${_lite_root} is too old: 2.0.0 or newer is needed")
endif()
if(_lite_is_archive)
  set(_lite_right "the archive for cloud-side inference (its link contains cloud_fusion)")
  set(_lite_plugin runtime/lib/libruntime_convert_plugin.so)
  set(_lite_converter tools/converter/lib/libmindspore_converter.so)
  if(NOT EXISTS "${_lite_archive}/${_lite_plugin}")
    set(_lite_kind "for device-side inference")
    if(EXISTS "${_lite_lib}/libascend_kernel_plugin.so")
      set(_lite_kind "\"Ascend inference\"")
    endif()
    fail("${_lite_archive} lacks ${_lite_plugin}: it is the archive ${_lite_kind}, which has the same file name; take ${_lite_right}")
  elseif(NOT EXISTS "${_lite_archive}/${_lite_converter}")
    fail("${_lite_archive} lacks ${_lite_converter}, which the runtime needs: unpack all of ${_lite_right} again")
  endif()
endif()
