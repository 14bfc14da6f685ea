// Everything needed to embed Postoffice with parts of your own. The default parts are in
// postoffice/defaults/, fakes for tests in postoffice/testing/.
#pragma once

#include "postoffice/clock.hpp"
#include "postoffice/error.hpp"
#include "postoffice/fetch_news.hpp"
#include "postoffice/histogram.hpp"
#include "postoffice/ingress.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_reader.hpp"
#include "postoffice/object_source.hpp"
#include "postoffice/object_store.hpp"
#include "postoffice/options.hpp"
#include "postoffice/pipeline.hpp"
#include "postoffice/queue.hpp"
#include "postoffice/types.hpp"
#include "postoffice/version.hpp"
