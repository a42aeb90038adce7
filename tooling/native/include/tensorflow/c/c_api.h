#pragma once
#include "../../tensorflow-c.h"
