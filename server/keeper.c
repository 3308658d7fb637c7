// Keeps clients served while the render thread is inside a renderer call or a load: sends the last
// picture again, pushes the initial state to who has just connected, repeats progress.
#include "clock.h"
#include "server.h"
#include "thread.h"

#define LOOK_NS 50000000        // how often it looks
#define SILENCE_NS 250000000    // after so long without a frame it sends one

void *keeper_thread(void *user)
{
    struct server *s = user;
    thread_set_name("keeper");
    while (!atomic_load(&s->stop)) {
        int64_t now = clock_mono_ns(), due = atomic_load(&s->push_due_ns);
        if (due && now >= due && atomic_compare_exchange_strong(&s->push_due_ns, &(long long) { due }, 0) && atomic_load(&s->clients))
            session_push_initial(s, atomic_load(&s->push_client));
        session_repeat_progress(s);
        if (atomic_load(&s->in_renderer) && now - stream_last_submit_ns(s->stream) > SILENCE_NS)
            stream_submit(s->stream);
        clock_sleep_until_ns(now + LOOK_NS);
    }
    return NULL;
}
