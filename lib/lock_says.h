/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a function says of locks, for clang's -Wthread-safety (`make lint`); nothing for
 * other compilers.
 *
 *	LOCK_TAKES(lock)      the caller holds it afterwards, and did not before
 *	LOCK_DROPS(lock)      the other way round
 *	LOCK_TRIES(lock)      holds it if the function returned true
 *	LOCK_HELD(lock)       the caller must hold it, and still does afterwards
 *	LOCK_PROVES(lock)     panics unless it is held, so from here on it is
 *	LOCK_GUARDS(lock)     behind a variable: touched by the holder only
 *	LOCK_UNSAID           the body is not looked at; a comment says why
 *
 * The lock is named as the caller sees it: `zone->lock` of a parameter `zone`. In C, clang
 * 14 cannot name a field from another one of its struct, so LOCK_GUARDS is for variables,
 * and a struct's fields have the letter in its comment (docs/limits.md).
 */
#ifndef LIB_LOCK_SAYS_H
#define LIB_LOCK_SAYS_H

#ifdef __clang__
#define LOCK_SAYS(what) __attribute__((what))
#else
#define LOCK_SAYS(what)
#endif

#define LOCK_IS_ONE LOCK_SAYS(capability("lock"))
#define LOCK_TAKES(lock) LOCK_SAYS(acquire_capability(lock))
#define LOCK_DROPS(lock) LOCK_SAYS(release_capability(lock))
#define LOCK_TRIES(lock) LOCK_SAYS(try_acquire_capability(true, lock))
#define LOCK_HELD(lock) LOCK_SAYS(requires_capability(lock))
#define LOCK_PROVES(lock) LOCK_SAYS(assert_capability(lock))
#define LOCK_GUARDS(lock) LOCK_SAYS(guarded_by(lock))
#define LOCK_UNSAID LOCK_SAYS(no_thread_safety_analysis)

#endif
