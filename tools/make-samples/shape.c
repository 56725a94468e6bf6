#include "shape.h"

double shape_ellipsoid(vec3 p, vec3 centre, vec3 radii)
{
    vec3 q = sub3(p, centre);
    vec3 once = v3(q.x / radii.x, q.y / radii.y, q.z / radii.z);
    vec3 twice = v3(once.x / radii.x, once.y / radii.y, once.z / radii.z);
    double k0 = length3(once), k1 = length3(twice);
    if (k1 < 1e-9) {
        double least = radii.x < radii.y ? radii.x : radii.y;
        return -(least < radii.z ? least : radii.z);
    }
    return k0 * (k0 - 1.0) / k1;
}

double shape_capsule(vec3 p, const capsule *c)
{
    vec3 along = sub3(c->b, c->a), from = sub3(p, c->a);
    double t = clamp(dot3(from, along) / (dot3(along, along) + 1e-12), 0.0, 1.0);
    return length3(sub3(from, scale3(along, t))) - mix(c->ra, c->rb, t);
}

double shape_rod(vec3 p, vec3 a, vec3 b, double radius)
{
    capsule c = {a, b, radius, radius};
    return shape_capsule(p, &c);
}

double shape_trunk(double x, double y, double a, double b, double square)
{
    double u = x / a, v = y / b, r = sqrt(x * x + y * y);
    double round = sqrt(u * u + v * v);
    double boxy = sqrt(sqrt(u * u * u * u + v * v * v * v));
    double k = mix(round, boxy, square);
    return k < 1e-6 ? -(a < b ? a : b) : r * (1.0 - 1.0 / k);
}

double shape_join(double a, double b, double k)
{
    double h = clamp(0.5 + 0.5 * (b - a) / k, 0.0, 1.0);
    return mix(b, a, h) - k * h * (1.0 - h);
}
